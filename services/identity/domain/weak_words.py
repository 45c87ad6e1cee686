"""Words and runs that passwords are guessed from first, in lower case."""

WEAK_WORDS = """
password passw0rd passwort passphrase pass word secret secure security letmein welcome admin administrator root user
login master access guest test testing tester demo default changeme change temp temporary qwerty qwertz azerty iloveyou
love loveyou lovely lover baby babygirl babyboy princess prince queen king angel monkey dragon shadow sunshine
football baseball basketball soccer hockey tennis golf superman batman spiderman pokemon naruto starwars trustno1
michael jennifer jessica ashley daniel thomas robert jordan andrew joshua matthew anthony william charlie michelle
nicole amanda hannah samantha jasmine george maggie ginger pepper buster cookie summer winter spring autumn monday
tuesday wednesday thursday friday saturday sunday january february march april june july august september october
november december flower butterfly purple orange yellow silver golden diamond chocolate cheese computer internet
whatever hello hellohello freedom forever family friends mother father sister brother jesus christ blessed heaven
killer hunter ranger thunder cowboy eagle tigger tiger lion falcon phoenix matrix gandalf merlin mustang ferrari
porsche mercedes corvette yamaha harley honda toyota detail detailer detailing mobile mobiledetail mobiledetailhub
mobilehub carwash wash clean shiny polish account business company office service customer affiliate owner manager
email gmail google facebook apple amazon microsoft windows linux please open sesame opensesame nothing something
america american canada london paris newyork texas florida california chicago boston houston yankees cowboys steelers
lakers arsenal chelsea liverpool barcelona correcthorsebatterystaple correcthorse batterystaple asshole
bailey money rockyou samsung iphone android minecraft fortnite roblox zaq12wsx 1q2w3e4r5t6y
1q2w3e4r5t 1q2w3e4r 1q2w3e q1w2e3r4t5 q1w2e3r4 qazwsxedc qazwsx qweasdzxc qweasd asdqwe zxcasdqwe abc123 a1b2c3d4e5
a1b2c3d4 aa123456 123qwe qwe123 asd123 123abc 1234qwer qwer1234 112233445566 1122334455 112233 121212 123123 123321
654321 555555 666666 777777 888888 999999 000000 111111 222222 333333 444444 098765 147258369 159357 987654 789456
456789 246810 13579 24680 102030 11223344
"""
