@echo off
rem Starts the peft4j command line; builds it on first use. After changes of the sources: mvn -DskipTests package
setlocal
set "HOME_DIR=%~dp0"
set "JAR=%HOME_DIR%peft-cli\target\peft-cli-0.1.0-SNAPSHOT.jar"
if not exist "%JAR%" (
  echo peft4j: building ^(the first time Maven also fetches its dependencies^) ... 1>&2
  pushd "%HOME_DIR%"
  call mvn -B -q -DskipTests -Dspotless.check.skip=true package
  if errorlevel 1 (
    popd
    echo peft4j: the build failed; it needs a JDK from 17 on and Maven from 3.8 on 1>&2
    exit /b 1
  )
  popd
)
set "JAVA=java"
if defined JAVA_HOME set "JAVA=%JAVA_HOME%\bin\java"
"%JAVA%" -XX:+UseSerialGC -Xmn16m -XX:-TieredCompilation %PEFT4J_JAVA_OPTS% -jar "%JAR%" %*
exit /b %ERRORLEVEL%
